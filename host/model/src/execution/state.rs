//! placeholder
/// p
pub struct State; 
/// p
pub struct Action; 
/// p
pub struct IllegalEvent; 
/// p
pub struct StepState;
